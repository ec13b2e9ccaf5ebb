-- Circuit breaker of one route, shared by all processes. Closed until a number of failures in a row; then open for a
-- time that doubles with each opening; then half-open: one probe at a time, whose success closes it.
--
-- An operator may hold it open: then nothing but an operator closes it.
--
-- KEYS[1] hash: failures, openings, open_until, probe_until (milliseconds by Redis' clock), held
-- ARGV: action, failures that open it, first time open, longest time open, time for a probe (milliseconds)
-- Returns 1 when the route may be asked, else 0; `state`: -1 held open, 0 closed, else the milliseconds until it may be
-- asked, at least 1
local key, action = KEYS[1], ARGV[1]
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
if action == 'state' then
  if is_held then return -1 end
  local open_until = tonumber(redis.call('HGET', key, 'open_until') or '0')
  if open_until == 0 then return 0 end
  return math.max(open_until - now, 1)
end
if is_held then return 0 end

if action == 'success' then
  redis.call('DEL', key)
  return 1
end

if action == 'failure' then
  if redis.call('HINCRBY', key, 'failures', 1) >= threshold then
    local openings = redis.call('HINCRBY', key, 'openings', 1)
    local open = math.min(first_open * 2 ^ (openings - 1), longest_open)
    redis.call('HSET', key, 'open_until', text(now + open), 'probe_until', '0')
  end
  redis.call('PEXPIRE', key, 10 * longest_open)
  return 0
end

local open_until = tonumber(redis.call('HGET', key, 'open_until') or '0')
if open_until == 0 then return 1 end
if now < open_until then return 0 end
if now < tonumber(redis.call('HGET', key, 'probe_until') or '0') then return 0 end
redis.call('HSET', key, 'probe_until', text(now + probe))
return 1
