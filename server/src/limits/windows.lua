-- Sliding windows over the last minute and the last 24 hours, and the replies being written, of one account.
-- Time is Redis' own, in microseconds, so the clocks of the application's machines do not matter.
--
-- KEYS[1] sorted set: request -> when it was admitted          KEYS[2] sorted set: reply -> when its lease ends
-- ARGV: action, request, requests a minute, requests a day, concurrent replies, lease in seconds
-- Returns: outcome, replies, used in the minute, its reset, used in the day, its reset, now (0 = no reset)
local requests, replies = KEYS[1], KEYS[2]
local action, request = ARGV[1], ARGV[2]
local per_minute, per_day, concurrent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lease = tonumber(ARGV[6]) * 1000000
local MINUTE, DAY = 60 * 1000000, 24 * 60 * 60 * 1000000

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- Lua would write a number of this size as 1.7e+15.
local function text(number) return string.format('%.0f', number) end

-- An entry as old as the window has left it.
redis.call('ZREMRANGEBYSCORE', requests, '-inf', text(now - DAY))
redis.call('ZREMRANGEBYSCORE', replies, '-inf', text(now))

local function used_in(window)
  return redis.call('ZCOUNT', requests, '(' .. text(now - window), '+inf')
end

-- At the limit: when enough entries have left for one more to fit. Below it: when the oldest leaves.
local function resets_at(window, used, limit)
  if used == 0 then return 0 end
  local index = redis.call('ZCARD', requests) - used + math.max(used - limit, 0)
  local entry = redis.call('ZRANGE', requests, index, index, 'WITHSCORES')
  return entry[2] and tonumber(entry[2]) + window or 0
end

local outcome = 0
if action == 'admit' then
  if redis.call('ZSCORE', requests, request) then outcome = 1
  elseif redis.call('ZCARD', replies) >= concurrent then outcome = 2
  elseif used_in(MINUTE) >= per_minute then outcome = 3
  elseif used_in(DAY) >= per_day then outcome = 4
  else
    redis.call('ZADD', requests, text(now), request)
    redis.call('ZADD', replies, text(now + lease), request)
    redis.call('PEXPIRE', requests, DAY / 1000)
    redis.call('PEXPIRE', replies, math.ceil(lease / 1000))
  end
elseif action == 'finish' or action == 'forget' then
  redis.call('ZREM', replies, request)
  if action == 'forget' then redis.call('ZREM', requests, request) end
end

local minute_used, day_used = used_in(MINUTE), used_in(DAY)
return {
  outcome, redis.call('ZCARD', replies),
  minute_used, resets_at(MINUTE, minute_used, per_minute),
  day_used, resets_at(DAY, day_used, per_day),
  now,
}
