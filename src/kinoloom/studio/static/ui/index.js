// Every component, for pages: `studio.ui`. The large ones load when they are first shown.
import * as basics from './basics.js';
import * as dialog from './dialog.js';
import * as icons from './icons.js';
import * as texts from './texts.js';

export const ui = {
  Button: basics.Button,
  IconButton: basics.IconButton,
  Icon: icons.Icon,
  Tag: basics.Tag,
  Meter: basics.Meter,
  Card: basics.Card,
  Empty: basics.Empty,
  Failure: basics.Failure,
  Dialog: dialog.Dialog,
  Menu: dialog.Menu,
  ...texts,
};
