--[[
  Write down what an attempt came to. Knowledge only grows: a lesser outcome never replaces a better known one,
  so a worker that was paused and one that took over may both write, in any order. One SMS of a carrier is credited
  to one attempt only; the worker that made the call knows best.

  KEYS[1]  fence hash (see fence_take)
  KEYS[2]  whose the carrier's message is; used where it was accepted
  ARGV[1]  n
  ARGV[2]  outcome
  ARGV[3]  detail, JSON
  ARGV[4]  '1' where the attempt's own worker is not the one that writes
  ARGV[5]  how long the fence outlives its last change, in ms
  ARGV[6]  the attempt: message id and n
  ARGV[7]  how long the carrier's message stays claimed, in ms
  Returns  { 1 where it was written, else 0; then as fence_read does: seconds, micros, { field, value, … } }
]]
local function told(written)
  local time = redis.call('TIME')
  return { written, time[1], time[2], redis.call('HGETALL', KEYS[1]) }
end
local ranks = { unknown = 1, not_sent = 2, rejected = 3, accepted = 4 }
local field = ARGV[1] .. ':outcome'
local known = redis.call('HGET', KEYS[1], field)
if known and ranks[known] >= ranks[ARGV[2]] then return told(0) end
if ARGV[2] == 'accepted' then
  local owner = redis.call('GET', KEYS[2])
  if owner and owner ~= ARGV[6] and ARGV[4] == '1' then return told(0) end
  redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
end
redis.call('HSET', KEYS[1], field, ARGV[2], ARGV[1] .. ':detail', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return told(1)
