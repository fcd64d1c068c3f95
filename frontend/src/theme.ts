import { createTheme, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#e6f7f9", "#cdecf0", "#9fd9e1", "#6cc4d0", "#45b2c1", "#2ba5b6", "#189cae", "#0c8799",
  "#0b7285", "#075a6a",
];

/** Greys of the dark scheme, of one family with those in styles.css. */
const dark: MantineColorsTuple = [
  "#e8eaed", "#c3cad1", "#a3acb6", "#7d8792", "#4a535c", "#333a41", "#23282d", "#1b1f23",
  "#131619", "#0d0f11",
];

export const theme = createTheme({
  colors: { teal, dark },
  primaryColor: "teal",
  primaryShade: 8, // lighter shades of a filled button fail the AA contrast
  autoContrast: true,
  defaultRadius: "md",
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  components: {
    SegmentedControl: {
      styles: {
        root: { background: "var(--fm-sunken)" },
        indicator: { background: "var(--fm-accent-soft)" },
      },
    },
  },
});
