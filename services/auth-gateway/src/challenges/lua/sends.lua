-- What was sent to one subject (a phone, or the identifier a decoy stands for).
--   sends   sorted set, message id by time: every send of the last day, over all purposes
--   ladder  sorted set, message id by time: the sends of one purpose since its last hour of silence
local HOUR, DAY = 3600000, 86400000

local function clock(offsetMs)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + offsetMs
end

-- When a window of `length` with at most `most` entries has room again; 0 where it has room now.
local function roomAt(window, now, length, most)
  local nth = redis.call('ZREVRANGE', window, most - 1, most - 1, 'WITHSCORES')
  if not nth[2] or tonumber(nth[2]) <= now - length then return 0 end
  return tonumber(nth[2]) + length
end

-- When the next send may go out; 0 or the past means now. `cooldowns` is comma-separated ms; empty means no limit at all.
local function nextSendAt(sends, ladder, now, perHour, perDay, cooldowns)
  if cooldowns == '' then return 0 end
  local last = redis.call('ZREVRANGE', ladder, 0, 0, 'WITHSCORES')
  local cooledAt = 0
  if last[2] and tonumber(last[2]) > now - HOUR then
    local step, count = 0, redis.call('ZCARD', ladder)
    for wait in string.gmatch(cooldowns, '%d+') do
      step = step + 1
      if step <= count then cooledAt = tonumber(last[2]) + tonumber(wait) end
    end
  end
  return math.max(cooledAt, roomAt(sends, now, HOUR, perHour), roomAt(sends, now, DAY, perDay))
end

-- Whether a window of `length` has no room for one more in two sets together.
local function spentInAll(one, other, now, length, most)
  local since = '(' .. now - length
  return redis.call('ZCOUNT', one, since, '+inf') + redis.call('ZCOUNT', other, since, '+inf') >= most
end

-- Whether a phone was sent all it may be, counting what went to it behind a name. Who named the phone is not told of that part.
local function sentAll(sends, behind, now, perHour, perDay, cooldowns)
  if cooldowns == '' then return false end
  return spentInAll(sends, behind, now, HOUR, perHour) or spentInAll(sends, behind, now, DAY, perDay)
end

local function recordSend(sends, ladder, now, messageId, cooldowns)
  if cooldowns == '' then return end
  -- The first write must be one that a full Redis refuses: after any other it lets the whole script pass.
  redis.call('ZADD', sends, now, messageId)
  redis.call('ZREMRANGEBYSCORE', sends, '-inf', now - DAY)
  redis.call('PEXPIRE', sends, DAY)
  local last = redis.call('ZREVRANGE', ladder, 0, 0, 'WITHSCORES')
  if last[2] and tonumber(last[2]) <= now - HOUR then redis.call('DEL', ladder) end
  redis.call('ZADD', ladder, now, messageId)
  redis.call('PEXPIRE', ladder, HOUR)
end
