--[[
  KEYS[1]  challenge hash
  ARGV     clock offset ms
  Returns  {now, field, value, …}
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
return { tostring(now), unpack(redis.call('HGETALL', KEYS[1])) }
