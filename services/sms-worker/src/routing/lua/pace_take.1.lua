--[[
  Take turns of a lane, each an interval after the one before; how far ahead of that one may be is the caller's class.

  KEYS[1]  when the next turn falls due, in µs
  ARGV[1]  the interval, in µs
  ARGV[2]  how many turns are wanted; 0 only looks
  ARGV[3]  how many turns may be taken ahead of their time
  Returns  { granted, 0 } | { 0, ms until there is one }
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local free = math.floor(tonumber(ARGV[3]) - (due - now) / interval)
if free < 1 then
  local there = due - (tonumber(ARGV[3]) - 1) * interval
  return { 0, math.max(1, math.ceil((there - now) / 1000)) }
end
local granted = math.min(tonumber(ARGV[2]), free)
if granted > 0 then
  due = due + granted * interval
  redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000) + 1000)
end
return { granted, 0 }
