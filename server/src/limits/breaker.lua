-- Circuit breaker of one route, shared by all processes. Closed until a number of failures in a row; then open for a
-- time that doubles with each probe that fails; then half-open: one probe at a time, whose success closes it. While it is
-- open, only probes say anything new: the others were asked before. A probe that takes longer than its time is a probe
-- still, although the next one was let go; once the breaker is closed, it is a request like any other.
--
-- An operator may hold it open: then nothing but an operator closes it.
--
-- KEYS[1] hash: failures, openings, open_until, probe_until (milliseconds by Redis' clock), held
-- ARGV: action, failures that open it, first time open, longest time open, time for a probe (milliseconds), the number of
-- the probe that reports, 0 for none
-- Returns 0 when the route may not be asked, 1 when it may, and on `admit` the number of the probe, which is greater;
-- `state`: -2 half-open, -1 held open, 0 closed, else the milliseconds until it is half-open
local key, action, reporter = KEYS[1], ARGV[1], ARGV[6]
local threshold, first_open, longest_open, probe = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end

if action == 'hold' then
  redis.call('HSET', key, 'held', '1')
  redis.call('PERSIST', key)
  return 0
end

if action == 'close' then
  redis.call('DEL', key)
  return 1
end

local is_held = redis.call('HEXISTS', key, 'held') == 1
local open_until = tonumber(redis.call('HGET', key, 'open_until') or '0')
if action == 'state' then
  if is_held then return -1 end
  if open_until == 0 then return 0 end
  if now >= open_until then return -2 end
  return open_until - now
end
if is_held then return 0 end

local probe_until = redis.call('HGET', key, 'probe_until') or '0'
local is_probe = reporter ~= '0' and open_until > 0

if action == 'success' then
  if open_until == 0 or is_probe then redis.call('DEL', key) end
  return 1
end

if action == 'release' then
  if is_probe and reporter == probe_until then redis.call('HSET', key, 'probe_until', '0') end
  return 1
end

if action == 'failure' then
  if open_until > 0 and (not is_probe or now < open_until) then return 0 end
  if redis.call('HINCRBY', key, 'failures', 1) >= threshold or is_probe then
    local openings = redis.call('HINCRBY', key, 'openings', 1)
    local open = math.min(first_open * 2 ^ (openings - 1), longest_open)
    redis.call('HSET', key, 'open_until', text(now + open), 'probe_until', '0')
  end
  redis.call('PEXPIRE', key, 10 * longest_open)
  return 0
end

if open_until == 0 then return 1 end
if now < open_until or now < tonumber(probe_until) then return 0 end
redis.call('HSET', key, 'probe_until', text(now + probe))
return now + probe
