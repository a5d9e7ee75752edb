import { createServer } from "node:http";
import { answer } from "./clock.js";

const server = createServer(answer).listen(Number(process.env.PORT ?? 8080));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
