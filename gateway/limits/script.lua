-- Takes, gives back and renews limits, each take all or nothing. redis.py sends the operations; memory.py is its twin.
-- KEYS: counters. ARGV: the clock in ms or '' for this server's own, the window in s, a slot's lease in ms, the
-- operations in msgpack. The answer: one outcome in msgpack for each operation, 0 for those that have none.
-- A window is a hash: t total, n newest second, o oldest second, and what was charged in each second.

local RPM, TPM, CONCURRENCY = 0, 1, 2
local TAKE, GIVE = 0, 1
local NO_SLOT_WAIT_MS = 1000

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local WINDOW_S, LEASE_MS = tonumber(ARGV[2]), tonumber(ARGV[3])
local present = math.floor(now / 1000)

local function seconds_of(from, to)
  local fields = {}
  for second = from, to do
    fields[#fields + 1] = string.format('%d', second)
  end
  return fields
end

local function open(key)
  local known = redis.call('HMGET', key, 't', 'n', 'o')
  local window = { key = key, total = tonumber(known[1] or 0), newest = tonumber(known[2] or 0) }
  window.oldest = tonumber(known[3] or present)
  window.second = math.max(present, window.newest)
  local first = window.second - WINDOW_S + 1
  if window.newest < first then
    if known[1] then
      redis.call('DEL', key)
    end
    window.total, window.newest, window.oldest = 0, 0, window.second
  elseif window.oldest < first then
    local old = seconds_of(window.oldest, first - 1)
    for _, charged in ipairs(redis.call('HMGET', key, unpack(old))) do
      window.total = window.total - tonumber(charged or 0)
    end
    redis.call('HDEL', key, unpack(old))
    window.oldest = first
    redis.call('HSET', key, 't', window.total, 'o', first)
  end
  return window
end

local function charge(window, second, amount)
  window.total = window.total + amount
  window.newest = math.max(window.newest, second)
  redis.call('HINCRBY', window.key, string.format('%d', second), amount)
  redis.call('HSET', window.key, 't', window.total, 'n', window.newest, 'o', window.oldest)
  redis.call('PEXPIRE', window.key, (window.newest + WINDOW_S) * 1000 - now + 1000)
end

local function wait_ms(window, missing)
  local freed = 0
  for place, charged in ipairs(redis.call('HMGET', window.key, unpack(seconds_of(window.oldest, window.newest)))) do
    freed = freed + tonumber(charged or 0)
    if freed >= missing then
      return (window.oldest + place - 1 + WINDOW_S) * 1000 - now
    end
  end
  return WINDOW_S * 1000
end

local function state(limit, window, second)
  local reset = 0
  if window.total > 0 then
    reset = (window.newest + WINDOW_S) * 1000 - now
  end
  return { math.max(0, limit - window.total), reset, second }
end

local function look(claim)
  local kind, key, limit, least = claim[1], KEYS[claim[2]], claim[3], claim[4]
  if kind == CONCURRENCY then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    claim.used = redis.call('ZCARD', key)
    return limit - claim.used, claim.used < limit and 0 or NO_SLOT_WAIT_MS
  end
  claim.window = open(key)
  local left = limit - claim.window.total
  local missing = math.min(least, limit) - left
  return left, missing > 0 and wait_ms(claim.window, missing) or 0
end

local function hold(claim, id, granted)
  if claim[1] == CONCURRENCY then
    local key = KEYS[claim[2]]
    redis.call('ZADD', key, now + LEASE_MS, id)
    redis.call('PEXPIRE', key, LEASE_MS + 1000)
    return { math.max(0, claim[3] - claim.used - 1), 0, 0 }
  end
  charge(claim.window, claim.window.second, claim[1] == TPM and granted or 1)
  return state(claim[3], claim.window, claim.window.second)
end

local function take(id, claims)
  local refused, longest, granted = -1, 0, nil
  for place, claim in ipairs(claims) do
    local left, wait = look(claim)
    if wait > longest then
      refused, longest = place - 1, wait
    end
    if claim[1] == TPM then
      granted = math.min(left, granted or claim[5])
    end
  end
  local states = {}
  for place, claim in ipairs(claims) do
    if refused < 0 then
      states[place] = hold(claim, id, granted)
    elseif claim[1] == CONCURRENCY then
      states[place] = { math.max(0, claim[3] - claim.used), 0, 0 }
    else
      states[place] = state(claim[3], claim.window, 0)
    end
  end
  return { refused, longest, refused < 0 and granted or 0, states }
end

local function give(id, changes)
  for _, change in ipairs(changes) do
    local kind, key, second, tokens = change[1], KEYS[change[2]], change[3], change[4]
    if kind == CONCURRENCY then
      redis.call('ZREM', key, id)
    else
      local window = open(key)
      if tokens > 0 then
        charge(window, window.second, tokens)
      elseif second >= window.oldest then
        local charged = tonumber(redis.call('HGET', key, string.format('%d', second)) or 0)
        if charged > 0 then
          charge(window, second, -math.min(charged, -tokens))
        end
      end
    end
  end
  return 0
end

local function renew(counters)
  for _, counter in ipairs(counters) do
    for _, id in ipairs(counter[2]) do
      redis.call('ZADD', KEYS[counter[1]], now + LEASE_MS, id)
    end
    redis.call('PEXPIRE', KEYS[counter[1]], LEASE_MS + 1000)
  end
  return 0
end

local outcomes = {}
for place, operation in ipairs(cmsgpack.unpack(ARGV[4])) do
  if operation[1] == TAKE then
    outcomes[place] = take(operation[2], operation[3])
  elseif operation[1] == GIVE then
    outcomes[place] = give(operation[2], operation[3])
  else
    outcomes[place] = renew(operation[2])
  end
end
return cmsgpack.pack(outcomes)
