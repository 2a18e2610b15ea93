-- game_server.lua without skynet, to try it:
--
--     lua5.4 standalone.lua 127.0.0.1:8080 1001
--
-- What happens is printed, each as a line of JSON. Lines "uid text" of stdin
-- are what players write.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path

local cjson = require "cjson"
local GameServer = require "game_server"
local luasocket = require "luasocket"

local bridge, host = ...

if not host then
    io.stderr:write("usage: standalone.lua ADDRESS HOST\n")
    os.exit(2)
end

io.stdout:setvbuf("line")

local server = GameServer.new {
    request = luasocket.request(GameServer.WAIT + GameServer.LATE),
    fork = luasocket.fork,
    sleep = luasocket.sleep,
    now = luasocket.now,
    json = cjson,
    bridge = bridge,
    host = host,

    on_event = function(event, data)
        data.event = event
        print(cjson.encode(data))
    end,
}

server:start()

luasocket.each_line(function(line)
    server:write(line:match("^(%S*) ?(.*)$"))
end)

luasocket.run()
