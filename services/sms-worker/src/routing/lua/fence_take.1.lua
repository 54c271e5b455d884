--[[
  Begin one more attempt, if nothing happened to the fence since it was read.

  KEYS[1]  fence hash { rev, count, reported, <n>:provider, <n>:startedAt, <n>:outcome, <n>:detail }
  ARGV[1]  rev that the caller read
  ARGV[2]  provider
  ARGV[3]  how long the fence outlives its last change, in ms
  Returns  { n, startedAt in ms } | { 0, 0 } where another worker was faster
]]
if (redis.call('HGET', KEYS[1], 'rev') or '0') ~= ARGV[1] then return { 0, 0 } end
local time = redis.call('TIME')
local startedAt = time[1] * 1000 + math.floor(time[2] / 1000)
local n = redis.call('HINCRBY', KEYS[1], 'count', 1)
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('HSET', KEYS[1], n .. ':provider', ARGV[2], n .. ':startedAt', string.format('%.0f', startedAt))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { n, startedAt }
