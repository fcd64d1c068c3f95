import { Button, Menu, Text } from "@mantine/core";

import { useSignOut } from "../../api/session";
import type { Me } from "../../api/types";
import { UserIcon } from "../../ui/icons";
import classes from "./Shell.module.css";

export function UserMenu({ me }: { me: Me }) {
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end" width={240} withinPortal={false}>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="compact-md" leftSection={<UserIcon />}>
          {me.username}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes["userline"]}>
          <Text size="sm" fw={600}>
            {me.username}
            {me.is_operator && " · operator"}
          </Text>
          {me.teams.length === 0 && (
            <Text size="sm" c="var(--fm-muted)">
              In no team
            </Text>
          )}
          {me.teams.map((team) => (
            <Text key={team.slug} size="sm" c="var(--fm-muted)">
              {team.title} · {team.role}
            </Text>
          ))}
        </div>
        <Menu.Divider />
        <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
