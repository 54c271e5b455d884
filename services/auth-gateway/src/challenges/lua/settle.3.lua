--[[
  End a challenge whose effect is committed. Asks for no owner: the commit is the truth, whoever reports it.

  KEYS[1]  challenge hash      KEYS[2], KEYS[3]  ladders of its purpose, which success clears: that of
  whoever opened it, and that of the known devices, which may have sent it again
]]
--- @include "endings"
if redis.call('EXISTS', KEYS[1]) == 1 then bury(KEYS[1], 'used') end
redis.call('DEL', KEYS[2], KEYS[3])
return 'OK'
