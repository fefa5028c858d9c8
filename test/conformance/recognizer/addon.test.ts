import { createRecognizer } from '../../../src/speech/create-recognizer.ts';
import { describeRecognizer } from './suite.ts';

describeRecognizer('The addon', (options) => createRecognizer({ ...options, engine: 'addon' }));
