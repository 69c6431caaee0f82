-- Keep what one process says, forget those that have been silent, and answer what all the others' last words are.
-- KEYS: a hash of words by process, a sorted set of when each last spoke. ARGV: process, words, longest silence (ms).
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now_ms, ARGV[1])
for _, silent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now_ms - ARGV[3])) do
  redis.call('HDEL', KEYS[1], silent)
  redis.call('ZREM', KEYS[2], silent)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 10)
redis.call('PEXPIRE', KEYS[2], ARGV[3] * 10)
return redis.call('HGETALL', KEYS[1])
