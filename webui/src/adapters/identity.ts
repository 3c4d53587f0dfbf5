import type { Me } from "../api/types";
import type { IdentityPort } from "../ports/identity";
import { request } from "./http";

export const httpIdentity: IdentityPort = {
  me: () => request<Me>("GET", "/api/v1/me"),
  login: (code) => request<void>("POST", "/api/v1/login", { code }),
  logout: () => request<void>("DELETE", "/api/v1/login"),
};
