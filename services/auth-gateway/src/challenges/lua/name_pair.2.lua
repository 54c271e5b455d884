--[[
  Note which phone was last named beside an e-mail: by anybody, and by this client.

  KEYS[1]  named by anybody      KEYS[2]  named by this client
  ARGV     the pair, life ms
]]
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 'OK'
