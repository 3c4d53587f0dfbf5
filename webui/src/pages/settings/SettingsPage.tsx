import { Button } from "../../ui/Button";
import { useIdentity } from "../../stores/identity";
import { usePreferences } from "../../stores/preferences";
import { useSystem } from "../../stores/system";
import { tellProblem } from "../../stores/toasts";
import { Tabs } from "../../ui/Tabs";
import { Machine } from "../welcome/Machine";
import { SettingRow } from "./SettingRow";
import styles from "./SettingsPage.module.css";

const THEMES = [
  { id: "system", label: "System" },
  { id: "dark", label: "Dark" },
  { id: "light", label: "Light" },
] as const;
const DENSITIES = [
  { id: "dense", label: "Dense" },
  { id: "roomy", label: "Roomy" },
] as const;
const ENTER = [
  { id: "sends", label: "Sends" },
  { id: "breaks", label: "New line" },
] as const;

export function SettingsPage() {
  const { theme, density, enterSends, set } = usePreferences();
  const system = useSystem((state) => state.system);
  const logout = useIdentity((state) => state.logout);
  return (
    <main className={styles.page}>
      <header className={styles.header}>
        <h1>Settings</h1>
      </header>
      <div className={styles.body}>
        <section className={styles.section}>
          <h2 className={styles.title}>Appearance</h2>
          <SettingRow label="Theme" note="Kept in this browser, like everything on this page.">
            <Tabs look="segments" label="Theme" tabs={THEMES} current={theme} onChange={(id) => set({ theme: id })} />
          </SettingRow>
          <SettingRow label="Density" note="How close lines and buttons stand.">
            <Tabs look="segments" label="Density" tabs={DENSITIES} current={density} onChange={(id) => set({ density: id })} />
          </SettingRow>
        </section>
        <section className={styles.section}>
          <h2 className={styles.title}>Writing</h2>
          <SettingRow label="Enter" note={enterSends ? "Shift+Enter begins a new line." : "Shift+Enter sends."}>
            <Tabs look="segments" label="Enter" tabs={ENTER} current={enterSends ? "sends" : "breaks"} onChange={(id) => set({ enterSends: id === "sends" })} />
          </SettingRow>
        </section>
        <section className={styles.section}>
          <h2 className={styles.title}>This machine</h2>
          <Machine />
        </section>
        <section className={styles.section}>
          <h2 className={styles.title}>About</h2>
          <SettingRow label="Volundr" note="A self-hosted forge for AI coding agents.">
            <span className={styles.value}>{system?.version ?? "…"}</span>
          </SettingRow>
          {system && (
            <SettingRow label="Home" note={`Sessions run as: ${system.pods}. Database: ${system.database}.`}>
              <code className={styles.value}>{system.home}</code>
            </SettingRow>
          )}
          <SettingRow label="API" note="Every route, to read and to try, served by this forge.">
            <a href="/reference" target="_blank" rel="noreferrer">
              Open the reference
            </a>
          </SettingRow>
          <SettingRow label="This browser" note="Signing out asks for a new login link.">
            <Button onClick={() => void logout().catch(tellProblem)}>Sign out</Button>
          </SettingRow>
        </section>
      </div>
    </main>
  );
}
