--[[
  What is known of the sending of one message, and when that is.

  KEYS[1]  fence hash (see fence_take)
  Returns  { seconds, micros, { field, value, … } }
]]
local time = redis.call('TIME')
return { time[1], time[2], redis.call('HGETALL', KEYS[1]) }
