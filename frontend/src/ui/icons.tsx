/** The icons of the portal, drawn in the colour of the text around them. */
function Icon({ children, size = 16 }: { children: React.ReactNode; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.9}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      focusable={false}
    >
      {children}
    </svg>
  );
}

export const CheckIcon = () => <Icon><path d="m5 12.5 4.5 4.5L19 7.5" /></Icon>;
export const CopyIcon = () => (
  <Icon><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h8" /></Icon>
);
export const SearchIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}><circle cx="11" cy="11" r="6.5" /><path d="m20 20-4.2-4.2" /></Icon>
);
export const SunIcon = () => (
  <Icon size={18}>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1" />
  </Icon>
);
export const MoonIcon = () => <Icon size={18}><path d="M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z" /></Icon>;
export const ScreenIcon = () => (
  <Icon size={18}><rect x="3.5" y="4.5" width="17" height="12" rx="2" /><path d="M9 20h6" /></Icon>
);
export const UserIcon = () => (
  <Icon size={18}><circle cx="12" cy="8.5" r="3.7" /><path d="M5 20c.6-3.6 3.4-5.5 7-5.5s6.4 1.9 7 5.5" /></Icon>
);
export const LockIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}><rect x="5" y="10.5" width="14" height="9.5" rx="2" /><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5" /></Icon>
);
export const AlertIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}><path d="M12 4 2.8 19.5h18.4L12 4Z" /><path d="M12 10v4.5M12 17.2v.1" /></Icon>
);
export const EmptyIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}><path d="M4 13.5 6.5 5h11l2.5 8.5V19H4v-5.5Z" /><path d="M4 13.5h4.5l1 2h5l1-2H20" /></Icon>
);
export const ChevronIcon = () => <Icon><path d="m9 6 6 6-6 6" /></Icon>;
export const CloseIcon = () => <Icon size={14}><path d="m6 6 12 12M18 6 6 18" /></Icon>;
