-- Asks one address after the other from a file, beginning at a random one, and tells what came of it as JSON.
-- wrk ... -s load.lua http://host:port -- FILE PREFIX [PAUSE]: PAUSE is the mean of the pauses in milliseconds.
local asked, at, pause = {}, 0, 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    asked[#asked + 1] = wrk.format("GET", arguments[2] .. line)
  end
  pause = tonumber(arguments[3] or "0")
  math.randomseed(os.time() + number)
  at = math.random(#asked)
  if pause == 0 then delay = nil end
end

function delay()
  return math.floor(-math.log(1 - math.random()) * pause)
end

function request()
  at = at % #asked + 1
  return asked[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"rate": %.3f, "bytes": %.0f, "p50": %.3f, "p99": %.3f, "failed": %d}\n',
    summary.requests / summary.duration * 1e6, summary.bytes / math.max(summary.requests, 1),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
