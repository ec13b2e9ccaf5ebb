-- Sliding windows over the last minute and the last 24 hours of one account or one address, and its replies in progress.
-- Time is Redis' own, in microseconds, so the clocks of the application's machines do not matter.
--
-- KEYS[1] a string of records, oldest first. A record is when the request was admitted (a double), its id (16 bytes),
--         its tokens (4) and 1 while its reply is being written (1): a quarter of what a sorted set would take. Only what
--         is recent is read, and a few older records to find where the day begins: a day may be many thousand long. The id
--         is of one try: a request that is sent again and answered anew has another.
-- ARGV: action, request, tokens, requests a minute, requests a day, tokens a minute, concurrent replies, lease in seconds
--       (0: there is no such limit)
-- Actions: admit, count (what was admitted without Redis), finish, forget, read
-- Returns: outcome, replies, used in the minute, its reset, used in the day, its reset, tokens, their reset, those of them
--          that replies in progress hold, now (a reset of 0: none)
local RECORD, SIZE = '>dc16I4B', 29
local BLOCK = 128
local MINUTE, DAY = 60 * 1000000, 24 * 60 * 60 * 1000000

local key = KEYS[1]
local action, request, tokens = ARGV[1], ARGV[2], tonumber(ARGV[3])
local per_minute, per_day, tokens_per_minute, concurrent =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local lease = tonumber(ARGV[8]) * 1000000
local recent = concurrent > 0 and math.max(MINUTE, lease) or MINUTE
local kept = per_day > 0 and DAY or recent

local count = redis.call('STRLEN', key) / SIZE
-- The records from one of them on.
local loaded, log
local function load_from(index)
  loaded = math.max(index, 0)
  log = redis.call('GETRANGE', key, loaded * SIZE, -1)
end
load_from(count - BLOCK)

local function admitted_at(index)
  if index >= loaded then return (struct.unpack('>d', log, (index - loaded) * SIZE + 1)) end
  return (struct.unpack('>d', redis.call('GETRANGE', key, index * SIZE, index * SIZE + 7)))
end
local function tokens_of(index) return (struct.unpack('>I4', log, (index - loaded) * SIZE + 25)) end
local function is_running(index) return log:byte((index - loaded) * SIZE + 29) == 1 end

-- Never before the newest record, so that the log stays in order when the clock is set back a little.
local time = redis.call('TIME')
local clock = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = count > 0 and math.max(clock, admitted_at(count - 1)) or clock

while loaded > 0 and admitted_at(loaded) > now - recent do load_from(2 * loaded - count) end

-- By window, the first record within it. One as old as the window has left it.
local firsts = {}
local function first_within(window)
  if not firsts[window] then
    local low, high = window > recent and 0 or loaded, count
    while low < high do
      local middle = math.floor((low + high) / 2)
      if admitted_at(middle) > now - window then high = middle else low = middle + 1 end
    end
    firsts[window] = low
  end
  return firsts[window]
end

local function recount()
  count, firsts = loaded + #log / SIZE, {}
end

-- The clock was far ahead when these were admitted. Waiting for the time that it showed would leave the account with full
-- windows as long, so they count from now on.
if now > clock + MINUTE then
  load_from(0)
  local records = {}
  for index = first_within(kept), count - 1 do
    local at = math.min(admitted_at(index), clock)
    records[#records + 1] = struct.pack('>d', at) .. log:sub(index * SIZE + 9, (index + 1) * SIZE)
  end
  log, now = table.concat(records), clock
  recount()
  redis.call('SET', key, log, 'KEEPTTL')
end

-- The newest record of the request among those from an index on.
local function find_from(index)
  local found
  local from = (index - loaded) * SIZE + 1
  while true do
    local at = log:find(request, from, true)
    if not at then return found end
    if (at - 9) % SIZE == 0 then found = loaded + (at - 9) / SIZE end
    from = at + 1
  end
end

local function find()
  local index = find_from(first_within(recent))
  if index then return index end
  load_from(0)
  return find_from(first_within(kept))
end

local function count_replies()
  local running = 0
  if concurrent == 0 then return running end
  for index = first_within(lease), count - 1 do
    if is_running(index) then running = running + 1 end
  end
  return running
end

local function count_tokens()
  local sum, held = 0, 0
  for index = first_within(MINUTE), count - 1 do
    local tokens = tokens_of(index)
    sum = sum + tokens
    if is_running(index) then held = held + tokens end
  end
  return sum, held
end

-- A request larger than the whole limit fits an empty window: it would never fit otherwise.
local function fits(used, needed)
  return tokens_per_minute == 0 or used == 0 or used + needed <= tokens_per_minute
end

-- At the limit: when enough records have left for one more to fit. Below it: when the oldest leaves.
local function resets_at(window, limit)
  local first = first_within(window)
  if limit == 0 or first == count then return 0 end
  return admitted_at(first + math.max(count - first - limit, 0)) + window
end

local function tokens_reset_at(used, needed)
  for index = first_within(MINUTE), count - 1 do
    local freed = tokens_of(index)
    used = used - freed
    if freed > 0 and fits(used, needed) then return admitted_at(index) + MINUTE end
  end
  return 0
end

local function add()
  local record = struct.pack(RECORD, now, request, tokens, concurrent > 0 and 1 or 0)
  local gone = first_within(kept)
  if gone * 4 > count then
    load_from(gone)
    loaded, log = 0, log .. record
    redis.call('SET', key, log)
  else
    log = log .. record
    redis.call('APPEND', key, record)
  end
  recount()
  redis.call('PEXPIRE', key, math.ceil(kept / 1000))
end

local function finish(index)
  local at, record = (index - loaded) * SIZE, struct.pack(RECORD, admitted_at(index), request, tokens, 0)
  log = log:sub(1, at) .. record .. log:sub(at + SIZE + 1)
  redis.call('SETRANGE', key, index * SIZE, record)
end

local function forget(index)
  load_from(0)
  log = log:sub(1, index * SIZE) .. log:sub((index + 1) * SIZE + 1)
  redis.call('SET', key, log, 'KEEPTTL')
  recount()
end

-- Adding them up is what a full minute costs, so it is done once.
local replies, used_tokens, held_tokens
local function add_up()
  replies = count_replies()
  used_tokens, held_tokens = count_tokens()
end

local outcome, needed = 0, 1
if action == 'admit' then
  add_up()
  needed = tokens
  if concurrent > 0 and replies >= concurrent then outcome = 1
  elseif per_minute > 0 and count - first_within(MINUTE) >= per_minute then outcome = 2
  elseif per_day > 0 and count - first_within(DAY) >= per_day then outcome = 3
  elseif not fits(used_tokens, tokens) then outcome = 4
  else
    needed = 1
    add()
    used_tokens = used_tokens + tokens
    if concurrent > 0 then replies, held_tokens = replies + 1, held_tokens + tokens end
  end
else
  local index = action ~= 'read' and find()
  if action == 'count' and not index then
    add()
  elseif action == 'finish' and index then
    finish(index)
  elseif action == 'forget' and index then
    forget(index)
  end
  add_up()
end

return {
  outcome, replies,
  count - first_within(MINUTE), resets_at(MINUTE, per_minute),
  count - first_within(DAY), resets_at(DAY, per_day),
  used_tokens, tokens_reset_at(used_tokens, needed), held_tokens,
  now,
}
