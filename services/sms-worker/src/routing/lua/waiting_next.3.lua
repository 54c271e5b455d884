--[[
  Let the first of a waiting room in. While the oldest code has waited too long, those with too little life go behind the rest first:
  they would be dropped anyway, and take others with them.

  KEYS[1]  who waits, by class and deadline: class * ARGV[5] + deadline in ms
  KEYS[2]  which codes wait, by when they were queued, in ms
  KEYS[3]  who was let in and is still in hand, by when that is looked at again, in ms
  ARGV[1]  how many are wanted, whoever is in hand
  ARGV[2]  up to how many may be in hand, whoever wants them
  ARGV[3]  from which age on the room is late, and below which life codes go behind the rest, in ms
  ARGV[4]  the class behind the rest
  ARGV[5]  the base of classes
  ARGV[6]  after which time it is looked at who is still in hand, in ms
  ARGV[7]  how long it is remembered who is, in ms
  Returns  { how many still wait, age of the oldest code in ms, how many are in hand, id, … }
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local late, last, base = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local age = first[2] and math.max(0, now - first[2]) or 0
local wanted = ARGV[1] + math.max(0, ARGV[2] - redis.call('ZCARD', KEYS[3]))
-- Whoever was to bring these back may be gone, or did not hear of them.
local found = redis.call('ZRANGEBYSCORE', KEYS[3], 0, now, 'LIMIT', 0, 100)
wanted = wanted + #found
while #found < wanted do
  local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if not head[1] then break end
  local class = math.floor(head[2] / base)
  local deadline = head[2] - class * base
  if age > late and class < last and deadline - now < late then
    redis.call('ZADD', KEYS[1], last * base + deadline, head[1])
    redis.call('ZREM', KEYS[2], head[1])
  else
    redis.call('ZREM', KEYS[1], head[1])
    redis.call('ZREM', KEYS[2], head[1])
    found[#found + 1] = head[1]
  end
end
for _, id in ipairs(found) do redis.call('ZADD', KEYS[3], now + ARGV[6], id) end
if #found > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
local left = redis.call('ZCARD', KEYS[1])
return { left, age, redis.call('ZCARD', KEYS[3]), unpack(found) }
