import type { Me } from "../api/types";

/** Who this browser is to the forge. */
export interface IdentityPort {
  /** Rejects with a Problem of status 401 when nobody is signed in. */
  me(): Promise<Me>;
  /** Turn the code of a login link into the cookie of this browser. */
  login(code: string): Promise<void>;
  logout(): Promise<void>;
}
