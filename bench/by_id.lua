-- Requests to tasks chosen at random from a file of ids, one a line; with bodies, each in its turn.
local bench = dofile(os.getenv("BENCH_DIR") .. "/bench.lua")

local LINE_BYTES = 27 -- a ULID and a line end

local ids, id_count, request_start, request_ends
local turn = 0
local random, sub = math.random, string.sub

function init()
    local before, after = bench.env("BENCH_PATH"):match("^(.*){id}(.*)$")
    ids = bench.read_file(bench.env("BENCH_IDS"))
    id_count = #ids / LINE_BYTES
    request_start = bench.env("BENCH_METHOD") .. " " .. before
    request_ends = bench.request_ends()
    for i = 1, #request_ends do
        request_ends[i] = after .. request_ends[i]
    end
    math.randomseed(tonumber(bench.env("BENCH_SEED")) * 1000 + (thread_number or 0))
end

function request()
    local at = (random(id_count) - 1) * LINE_BYTES
    turn = turn % #request_ends + 1
    return request_start .. sub(ids, at + 1, at + LINE_BYTES - 1) .. request_ends[turn]
end
