--[[
  End a challenge whose effect is committed. Asks for no owner: the commit is the truth, whoever reports it.

  KEYS[1]  challenge hash      KEYS[2]  ladder of its purpose, which success clears
]]
--- @include "endings"
if redis.call('EXISTS', KEYS[1]) == 1 then bury(KEYS[1], 'used') end
redis.call('DEL', KEYS[2])
return 'OK'
