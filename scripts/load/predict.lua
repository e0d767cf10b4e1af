-- For wrk: posts the lines of $BODIES to /api/predict in turn, and prints the
-- rate, the latencies and how often each status came.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  bodies, turn = {}, 0
  for line in io.lines(os.getenv("BODIES")) do
    table.insert(bodies, line)
  end
  answered, refused, unexplained, others = 0, 0, 0, 0
end

function request()
  turn = turn % #bodies + 1
  return wrk.format(nil, "/api/predict", nil, bodies[turn])
end

function response(status, headers)
  if status == 200 then
    answered = answered + 1
  elseif status == 429 or status == 503 then
    refused = refused + 1
    if not (headers["Retry-After"] or headers["retry-after"]) then
      unexplained = unexplained + 1
    end
  else
    others = others + 1
  end
end

function done(summary, latency)
  local total = { answered = 0, refused = 0, unexplained = 0, others = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(total) do
      total[name] = total[name] + thread:get(name)
    end
  end
  local errors = summary.errors
  print(string.format("# %.0f answers/s; p50 %.1f ms, p99 %.1f ms, longest %.1f ms",
    total.answered / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
  print(string.format("# 200: %d; 429 or 503: %d, %d of them without Retry-After; other statuses: %d; connections failed: %d, timed out: %d",
    total.answered, total.refused, total.unexplained, total.others, errors.connect + errors.read + errors.write, errors.timeout))
end
