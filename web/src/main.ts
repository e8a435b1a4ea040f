import { mount } from 'svelte';
import { Address } from './address/address.svelte';
import { connect } from './client/client';
import Operations from './entrance/Operations.svelte';
import { Clock } from './look/clock.svelte';
import { Dark } from './look/dark.svelte';
import './look/fonts.css';
import './look/base.css';
import { Visitor } from './session/session.svelte';
import { Words } from './words/words.svelte';

const words = new Words(new URLSearchParams(window.location.search).get('lang'), window.localStorage, navigator.languages);
const client = connect(() => words.language);
const house = {
  client,
  words,
  visitor: new Visitor(client),
  address: new Address(window),
  dark: new Dark(window.matchMedia('(prefers-color-scheme: dark)')),
  clock: new Clock(),
};

mount(Operations, { target: document.getElementById('house')!, props: { house } });
