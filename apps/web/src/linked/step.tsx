import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

let isFirst = true;

/** The heading of what the page shows now. It takes the focus when that changes, so that a screen reader reads it and the keyboard goes on from there. */
export function StepHeading({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Whoever has just opened the page is where he wants to be.
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    if (!isFirst) scrollTo({ top: 0 });
    isFirst = false;
  }, []);
  return <h1 ref={heading} tabIndex={-1} data-testid="heading">{children}</h1>;
}
