import { Tabs } from "@mantine/core";

interface TabbedProps<T extends string> {
  tabs: readonly T[];
  titles: Record<T, string>;
  /** The one that is open; the address says it. */
  tab: T;
  onTab: (tab: T) => void;
  mt?: number;
  children: React.ReactNode;
}

/** The parts of a page under tabs; only the open one is there. */
export function Tabbed<T extends string>(props: TabbedProps<T>) {
  const { tabs, titles, tab, onTab, mt = 18, children } = props;
  return (
    <Tabs mt={mt} value={tab} keepMounted={false} onChange={(next) => onTab(next as T)}>
      <Tabs.List mb={18}>
        {tabs.map((one) => (
          <Tabs.Tab key={one} value={one}>
            {titles[one]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={tab}>{children}</Tabs.Panel>
    </Tabs>
  );
}
