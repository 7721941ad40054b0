import log from 'host:operator/log@0.1.0';
import * as operator from './examples/sum/javascript/operator.js';
import { component } from './guest-sdk/javascript/component.js';
export const { module, transformer, reducer, finisher, merger } = component(operator, log.write);
