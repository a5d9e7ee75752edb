/** The time in a zone as `HH:MM`; throws a RangeError for a zone that is none. */
export function timeIn(zone, now = new Date()) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(now);
}

/** Answers `GET /?zone=Europe/Paris` with the time there. */
export function answer(request, response) {
  const url = new URL(request.url, "http://clock");
  if (request.method !== "GET" || url.pathname !== "/") {
    response.writeHead(404).end("there is nothing here\n");
    return;
  }
  const zone = url.searchParams.get("zone") ?? "UTC";
  try {
    const time = timeIn(zone);
    response.writeHead(200, { "content-type": "text/plain" }).end(`${time}\n`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    response.writeHead(400).end("there is no such zone\n");
  }
}
