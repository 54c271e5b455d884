--[[
  A challenge as a message of it needs it, and when that is.

  KEYS[1]  challenge hash
  Returns  { seconds, micros, state, generation, expiresAt, box, locale, quiet, lane }, nil for what is not there
]]
local time = redis.call('TIME')
local fields = redis.call('HMGET', KEYS[1], 'state', 'generation', 'expiresAt', 'box', 'locale', 'quiet', 'lane')
return { time[1], time[2], unpack(fields) }
