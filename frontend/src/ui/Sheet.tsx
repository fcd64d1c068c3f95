import { useMe } from "../api/session";
import { SignInFirst } from "./Notice";
import { PageTitle } from "./Page";
import classes from "./Page.module.css";

interface SheetProps {
  title: string;
  /** The way back: links to what it belongs to. */
  trail: React.ReactNode;
  children: React.ReactNode;
}

/** The page of one thing, for whoever is signed in. */
export function Sheet({ title, trail, children }: SheetProps) {
  const me = useMe();
  return (
    <>
      <PageTitle>{title}</PageTitle>
      <p className={classes["trail"]}>{trail}</p>
      <h1 className={classes["title"]}>{title}</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && children}
    </>
  );
}
