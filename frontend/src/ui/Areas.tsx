import { useMe } from "../api/session";
import classes from "./Areas.module.css";
import { SignInFirst } from "./Notice";

interface AreasProps {
  name: string;
  links: React.ReactNode;
  children: React.ReactNode;
}

/** The frame of a part of the portal that has several pages, for whoever is signed in. */
export function Areas({ name, links, children }: AreasProps) {
  const me = useMe();
  return (
    <>
      <h1 className={classes["title"]}>{name}</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && (
        <>
          <nav className={classes["areas"]} aria-label={name}>
            {links}
          </nav>
          {children}
        </>
      )}
    </>
  );
}
