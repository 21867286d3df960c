-- How far each instance of availability is with listings that it has to look at again.
CREATE TABLE reevaluation (
    instance text COLLATE "C" PRIMARY KEY,
    began_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    listings bigint NOT NULL,
    unseen bigint NOT NULL,
    untold bigint NOT NULL,
    zeros bigint NOT NULL,
    channels text[] NOT NULL
);
