import type { ComponentChildren } from 'preact';
import { Rich } from './rich.tsx';

interface Props {
  id: string;
  number: number;
  title: string;
  intro: string;
  children: ComponentChildren;
}

/** One numbered section of the page. */
export function Section({ id, number, title, intro, children }: Props) {
  return (
    <section class="section" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}><span class="number">{number}</span> {title}</h2>
      <p class="intro"><Rich text={intro} /></p>
      {children}
    </section>
  );
}
