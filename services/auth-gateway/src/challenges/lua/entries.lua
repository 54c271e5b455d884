-- The challenges behind one address: JSON, [{id, client, registrationId, sent, endsAt}], oldest first.
local MOST = 3

-- Without those whose code has expired.
local function readEntries(index, now)
  local entries = {}
  for _, entry in ipairs(cjson.decode(redis.call('GET', index) or '[]')) do
    if entry.endsAt > now then table.insert(entries, entry) end
  end
  return entries
end

local function writeEntries(index, entries, now)
  local last = now
  for _, entry in ipairs(entries) do last = math.max(last, entry.endsAt) end
  if #entries == 0 then
    redis.call('DEL', index)
  else
    redis.call('SET', index, cjson.encode(entries), 'PX', last - now + TOMBSTONE)
  end
end
