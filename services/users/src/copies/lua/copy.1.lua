-- Takes changes of a list into the copy that others read: all of them, or none where somebody else wrote meanwhile.
-- KEYS copy | ARGV from, to, begin (1 throws away what is there), complete (1 where nothing is missing after this), then
-- field and value in turn; an empty value takes the field out.
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
for at = 5, #ARGV, 2 do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[at])
  else
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  end
end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
if ARGV[4] == '1' then redis.call('HSET', KEYS[1], 'complete', '1') end
return 1
