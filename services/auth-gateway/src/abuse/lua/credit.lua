-- What may still go unanswered: a number of messages that is taken from with each send, given back by right answers, and grows back to
-- `most` over a day. What is not written down is full.
local function creditOf(key, field, most, now)
  local left, at = unpack(redis.call('HMGET', key, field, 'at'))
  if not left then return most end
  return math.min(most, tonumber(left) + math.max(0, now - tonumber(at)) * most / DAY)
end

local function keepCredit(key, now, ...)
  redis.call('HSET', key, 'at', now, ...)
  redis.call('PEXPIRE', key, DAY)
end
