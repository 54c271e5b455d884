--[[
  Write down what an attempt came to. Knowledge only grows: a lesser outcome never replaces a better known one,
  so a worker that was paused and one that took over may both write, in any order.

  KEYS[1]  fence hash (see fence_take)
  ARGV[1]  n
  ARGV[2]  outcome
  ARGV[3]  detail, JSON
  ARGV[4]  '1' where the attempt's own worker is not the one that writes
  ARGV[5]  how long the fence outlives its last change, in ms
  Returns  1 where it was written, else 0
]]
local ranks = { unknown = 1, not_sent = 2, rejected = 3, accepted = 4 }
local field = ARGV[1] .. ':outcome'
local known = redis.call('HGET', KEYS[1], field)
if known and ranks[known] >= ranks[ARGV[2]] then return 0 end
if not known and ARGV[4] == '1' then redis.call('HSET', KEYS[1], ARGV[1] .. ':abandoned', '1') end
if ARGV[4] ~= '1' then redis.call('HDEL', KEYS[1], ARGV[1] .. ':abandoned') end
redis.call('HSET', KEYS[1], field, ARGV[2], ARGV[1] .. ':detail', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
