import { useMantineColorScheme } from "@mantine/core";

import { Choice, Disclosure } from "../../ui/Disclosure";
import { MoonIcon, ScreenIcon, SunIcon } from "../../ui/icons";

const SYSTEM = { value: "auto", label: "As the system", icon: <ScreenIcon /> } as const;
const SCHEMES = [
  { value: "light", label: "Light", icon: <SunIcon /> },
  { value: "dark", label: "Dark", icon: <MoonIcon /> },
  SYSTEM,
] as const;

export function SchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const now = SCHEMES.find((scheme) => scheme.value === colorScheme) ?? SYSTEM;
  return (
    <Disclosure label={`Colours: ${now.label}`} button={now.icon}>
      {(close) =>
        SCHEMES.map((scheme) => (
          <Choice
            key={scheme.value}
            icon={scheme.icon}
            current={scheme.value === colorScheme}
            onClick={() => {
              setColorScheme(scheme.value);
              close();
            }}
          >
            {scheme.label}
          </Choice>
        ))
      }
    </Disclosure>
  );
}
