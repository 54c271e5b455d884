--[[
  Spend of the day's money, or give some back. Days are those of UTC.

  KEYS[1]  hash: which day, what was spent of it
  ARGV     clock offset ms, budget of a day, price; what comes back is below 0
  Returns  {1 where it was spent, else 0; what is spent so far}
]]
--- @include "../../challenges/lua/sends"
local now = clock(tonumber(ARGV[1]))
local budget, price = tonumber(ARGV[2]), tonumber(ARGV[3])
local today = string.format('%d', math.floor(now / DAY))
local day, before = unpack(redis.call('HMGET', KEYS[1], 'day', 'spent'))
local spent = day == today and tonumber(before) or 0
if price > 0 and spent + price > budget then return { 0, spent } end
spent = math.max(0, spent + price)
redis.call('HSET', KEYS[1], 'day', today, 'spent', string.format('%d', spent))
redis.call('PEXPIRE', KEYS[1], DAY)
return { 1, spent }
