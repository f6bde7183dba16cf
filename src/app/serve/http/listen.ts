import { UserError } from "../../../base/errors.ts";
import type { HttpServer } from "./http-server.ts";
import type { HttpState } from "./http-state.ts";

/** @returns the port @throws UserError when the address is taken, not allowed, or none of this machine */
export async function listen<State extends HttpState>(
  http: HttpServer<State>,
  host: string,
  port: number,
): Promise<number> {
  try {
    return await http.listen(host, port);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const messages: Readonly<Record<string, string>> = {
      EADDRINUSE: `port ${port} is taken by another program`,
      EACCES: `this user may not listen on port ${port}`,
      EADDRNOTAVAIL: `this machine has no address ${host}`,
      ENOTFOUND: `there is no host "${host}"`,
    };
    const message = messages[code];
    if (message === undefined) throw error;
    throw new UserError({
      code: "serve/cannot-listen",
      message,
      where: `${host}:${port}`,
      fix: "choose another: --port PORT (0: any that is free), --host ADDRESS",
      cause: error,
    });
  }
}
