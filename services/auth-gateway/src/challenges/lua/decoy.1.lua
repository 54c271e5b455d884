--[[
  Open the decoy that stands in for an address and a network, unless one counts there already and none anew is wanted.

  KEYS[1]  challenge hash
  ARGV     clock offset ms, life ms, '1' where it replaces what counts there, then fields and values of the hash
  Returns  {openedAt, expiresAt}
]]
--- @include "sends"
--- @include "endings"
local now = clock(tonumber(ARGV[1]))
local state, openedAt, expiresAt = unpack(redis.call('HMGET', KEYS[1], 'state', 'openedAt', 'expiresAt'))
local counts = (state == 'live' or state == 'exhausted') and tonumber(expiresAt) > now
if counts and ARGV[3] ~= '1' then return { tonumber(openedAt), tonumber(expiresAt) } end

redis.call('DEL', KEYS[1])
expiresAt = now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'state', 'live', 'openedAt', now, 'expiresAt', expiresAt, 'resendAt', now, unpack(ARGV, 4))
-- No tombstone: nobody can ask for it by its id, and past its end a new one counts anew.
redis.call('PEXPIRE', KEYS[1], expiresAt - now)
return { now, expiresAt }
