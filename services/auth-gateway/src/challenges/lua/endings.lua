-- An ended challenge stays as a tombstone: what it was, without code, phone or pending data.
local TOMBSTONE = 900000

local function bury(challenge, state)
  redis.call('HSET', challenge, 'state', state)
  redis.call('HDEL', challenge, 'mac', 'box', 'pending', 'subject', 'countsFor', 'found', 'claim', 'claimUntil', 'lapsed')
end

-- Key lives only collect garbage; whether a challenge has expired is read from `expiresAt`.
local function keepUntilTombstoneEnds(challenge, now, expiresAt)
  redis.call('PEXPIRE', challenge, expiresAt - now + TOMBSTONE)
end

local function live(state, expiresAt, now)
  return state == 'live' and tonumber(expiresAt) > now
end
