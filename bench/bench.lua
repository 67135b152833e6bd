-- What the wrk scripts beside this file share. bench/drive.py sets the BENCH_… variables and reads the line that done() prints.
--
-- None of them defines response(): wrk would then build Lua tables of all headers, and measure itself. A status above 399 is
-- counted by wrk, and drive.py tells an answer of another kind by its size.

local bench = {}

local thread_count = 0

-- wrk calls it in its main state, once a thread, before the thread's init().
function setup(thread)
    thread_count = thread_count + 1
    thread:set("thread_number", thread_count)
end

function bench.env(name)
    return os.getenv(name) or error(name .. " is not set")
end

function bench.read_file(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

-- The header lines of every request, each with its line end. The Host line is made by wrk from the URL.
function bench.header_lines()
    local lines = "Host: " .. wrk.headers["Host"] .. "\r\nAuthorization: Bearer " .. bench.env("BENCH_TOKEN") .. "\r\n"
    local etag = os.getenv("BENCH_ETAG")
    if etag then
        lines = lines .. "If-None-Match: " .. etag .. "\r\n"
    end
    return lines
end

-- Everything of a request behind its path, for each line of the file of bodies, or for the one request without a body.
function bench.request_ends()
    local path = os.getenv("BENCH_BODIES")
    local first = " HTTP/1.1\r\n" .. bench.header_lines()
    if not path then
        return { first .. "\r\n" }
    end
    local ends = {}
    for body in bench.read_file(path):gmatch("[^\n]+") do
        ends[#ends + 1] = first
            .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
    end
    return ends
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'BENCH {"requests":%d,"duration_us":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
            .. '"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
        summary.requests, summary.duration, summary.bytes,
        errors.connect, errors.read, errors.write, errors.status, errors.timeout,
        latency:percentile(50), latency:percentile(99), latency.max))
end

return bench
