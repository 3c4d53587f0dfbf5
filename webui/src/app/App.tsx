import { useEffect } from "react";
import { useRoute } from "wouter";
import { LoginPage } from "../pages/login/LoginPage";
import { useIdentity } from "../stores/identity";
import { useSessions } from "../stores/sessions";
import { Shell } from "./Shell";
import { Unreachable } from "./Unreachable";
import { useAppearance } from "./useAppearance";

export function App() {
  useAppearance();
  const { me, denied, problem, load, deny } = useIdentity();
  const [onLogin] = useRoute("/login");
  const link = useSessions((state) => state.link.state);
  useEffect(() => {
    if (!onLogin) void load();
  }, [onLogin, load]);
  useEffect(() => {
    if (link === "denied") deny();
  }, [link, deny]);
  if (onLogin || denied) return <LoginPage />;
  if (me) return <Shell />;
  return problem ? <Unreachable problem={problem} retry={load} /> : null;
}
