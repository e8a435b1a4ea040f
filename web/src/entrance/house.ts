import { getContext, setContext } from 'svelte';
import type { Address } from '../address/address.svelte';
import type { Client } from '../client/client';
import type { Dark } from '../look/dark.svelte';
import type { Clock } from '../look/clock.svelte';
import type { Visitor } from '../session/session.svelte';
import type { Words } from '../words/words.svelte';

/** What every room may ask for. It is made once in main.ts and handed down; there is nothing global. */
export interface House {
  client: Client;
  words: Words;
  visitor: Visitor;
  address: Address;
  dark: Dark;
  clock: Clock;
}

const key = Symbol('house');

export function provideHouse(house: House) {
  setContext(key, house);
}

export function houseOf(): House {
  return getContext<House>(key);
}
