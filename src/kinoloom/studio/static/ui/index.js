// Every component, for pages: `studio.ui`. The large ones load when they are first shown.
import * as basics from './basics.js';
import * as dialog from './dialog.js';
import * as icons from './icons.js';
import { lazy } from './lazy.js';
import * as texts from './texts.js';

const MEDIA = '/static/css/media.css';

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
  Field: lazy(() => import('./field.js'), 'Field'),
  Form: lazy(() => import('./form.js'), 'Form'),
  Tabs: lazy(() => import('./tabs.js'), 'Tabs'),
  Table: lazy(() => import('./table.js'), 'Table'),
  List: lazy(() => import('./table.js'), 'List'),
  Log: lazy(() => import('./log.js'), 'Log'),
  Drop: lazy(() => import('./drop.js'), 'Drop'),
  Slider: lazy(() => import('./slider.js'), 'Slider', MEDIA),
  Strip: lazy(() => import('./strip.js'), 'Strip', MEDIA),
  Wave: lazy(() => import('./wave.js'), 'Wave', MEDIA),
  Player: lazy(() => import('./player.js'), 'Player', MEDIA),
  Timeline: lazy(() => import('./timeline.js'), 'Timeline', MEDIA),
  MapView: lazy(() => import('./map_view.js'), 'MapView', MEDIA),
  Graph: lazy(() => import('./graph.js'), 'Graph', MEDIA),
  ...texts,
};
