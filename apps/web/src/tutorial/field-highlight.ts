import { computed, signal } from '@preact/signals';
import type { FieldName } from './frame-fields.ts';

/** The field under the pointer or with the focus, and the field that was selected to stay marked. */
const pointed = signal<FieldName | null>(null);
export const pinned = signal<FieldName | null>(null);

/** The field that diagram and table mark. */
export const highlighted = computed(() => pointed.value ?? pinned.value);

export function point(name: FieldName | null): void {
  pointed.value = name;
}

export function togglePin(name: FieldName): void {
  pinned.value = pinned.peek() === name ? null : name;
}
