import { useEffect } from "react";
import { usePreferences } from "../stores/preferences";

/** The page wears what the preferences say. */
export function useAppearance(): void {
  const theme = usePreferences((state) => state.theme);
  const density = usePreferences((state) => state.density);
  useEffect(() => {
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
    if (density === "roomy") dataset.density = density;
    else delete dataset.density;
  }, [theme, density]);
}
