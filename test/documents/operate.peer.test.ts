/** The documents for operators, typed as they stand, with what they recover from. */
import { testChapters } from './chapter.ts';
import { operateChapters } from './operate-chapters.ts';

testChapters(operateChapters);
